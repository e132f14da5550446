"""The field's words: which ones mean the same, which exclude one another, which name a quantity."""

PHRASES: tuple[tuple[str, str], ...] = (
    (r"n p( ratio)?", "npratio"),
    (r"np( ratio)?", "npratio"),
    (r"exchange current( density)?", "exchangecurrent"),
    (r"heat capacity", "heatcapacity"),
    (r"(gravimetric|mass) energy density|energy per (mass|kg)", "specific energy"),
    (r"volumetric energy density|energy per (volume|litre|liter)", "energy density"),
    (r"(void|pore|pore volume) (volume )?(fraction|share)", "porosity"),
    (r"states? of charge|soc", "share"),
    (r"(cut off|cutoff|end|stop|final|termination|taper) (current|c rate)", "hold until crate"),
    (r"(current|c rate) (cut off|cutoff|limit)", "hold until crate"),
    (r"(charge|discharge|charging|discharging) c rate", r"\1 crate"),
    (r"c rate|crate", "crate"),
    (r"cut off|cutoff", "cutoff"),
    (r"(vmax|v max)|(charge|charging|end of charge) voltage", "upper voltage cutoff"),
    (r"(vmin|v min)|(discharge|discharging|end of discharge) voltage", "lower voltage cutoff"),
    (r"(upper|max|maximum|highest|top) (voltage|potential)( limit)?$", "upper voltage cutoff"),
    (r"(lower|min|minimum|lowest) voltage( limit)?$", "lower voltage cutoff"),
    (r"voltage limit", "voltage cutoff"),
    (r"cc ?cv|constant voltage|cv( phase| hold)?", "hold voltage"),
    (r"(initial|starting|start) temperature", "temperature"),
    (r"lhs", "latin hypercube"),
)
"""Regular expressions over words with single blanks, in order, and what each is taken for."""

SYNONYMS: dict[str, str] = {
    **dict.fromkeys(("anode", "neg", "negative"), "negative"),
    **dict.fromkeys(("cathode", "pos", "positive"), "positive"),
    **dict.fromkeys(("max", "maximum", "highest", "peak", "top", "most", "upper"), "upper"),
    **dict.fromkeys(("min", "minimum", "lowest", "least", "bottom", "lower"), "lower"),
    **dict.fromkeys(("initial", "starting", "begin", "beginning", "start"), "start"),
    **dict.fromkeys(("final", "target", "stop", "end"), "end"),
    **dict.fromkeys(("fraction", "percentage", "percent", "share"), "share"),
    **dict.fromkeys(("size", "diameter", "radius"), "radius"),
    **dict.fromkeys(("spacing", "period", "distance", "pitch"), "pitch"),
    **dict.fromkeys(("tortuosity", "bruggeman", "brug", "beta"), "bruggeman"),
    **dict.fromkeys(("diffusion", "diffusivity"), "diffusivity"),
    **dict.fromkeys(("conduction", "conductivity"), "conductivity"),
    **dict.fromkeys(("temp", "temperature"), "temperature"),
    **dict.fromkeys(("duration", "time"), "time"),
    **dict.fromkeys(("charging", "charged", "charge"), "charge"),
    **dict.fromkeys(("discharging", "discharge"), "discharge"),
    **dict.fromkeys(("current", "rate"), "crate"),
    **dict.fromkeys(("simulation", "run"), "design"),
    **dict.fromkeys(("parameter", "input", "range"), "variable"),
    **dict.fromkeys(("objective", "aim"), "goal"),
    **dict.fromkeys(("battery", "chemistry"), "cell"),
    **dict.fromkeys(("protocol", "experiment"), "scenario"),
    **dict.fromkeys(("network", "surrogate"), "training"),
    **dict.fromkeys(("cooling", "convection"), "heat transfer"),
    "above": "lower",
    "below": "upper",
    "bound": "variable",
    "maximize": "maximise",
    "minimize": "minimise",
    "poro": "porosity",
    "vol": "volume",
    "thick": "thickness",
    "price": "cost",
}
"""By word, the word that stands for it here."""

STOP_WORDS = frozenset(
    {"a", "ambient", "at", "by", "coefficient", "electrode", "exponent", "for", "from", "in", "is"}
    | {"of", "on", "or", "over", "per", "random", "the", "to", "value", "when", "with"}
    | {"um", "mm", "nm", "mv", "degc", "kg", "wh"}
)
"""Words that tell no name from another."""

EXCLUSIVE = (
    frozenset({"negative", "positive", "separator"}),
    frozenset({"upper", "lower"}),
    frozenset({"start", "end"}),
    frozenset({"maximise", "minimise"}),
    frozenset({"charge", "discharge"}),
)
"""Of each group, a name with one is never near a name with another."""

GENERIC = frozenset(
    {"negative", "positive", "separator", "electrolyte", "upper", "lower", "start", "end", "charge"}
    | {"discharge", "particle", "channel", "layer", "knot", "cell", "nominal", "material", "factor"}
    | {"number", "limit"}
)
"""Words that say of what a quantity is, and not which: alike in these alone is not near."""

QUANTITIES = frozenset(
    {"porosity", "thickness", "radius", "pitch", "width", "depth", "taper", "bruggeman", "npratio"}
    | {"diffusivity", "conductivity", "exchangecurrent", "concentration", "density", "mass", "volume"}
    | {"area", "crate", "voltage", "potential", "temperature", "energy", "power", "capacity", "margin"}
    | {"time", "share", "cost", "resistance", "heatcapacity", "heat", "loading", "life", "cycle"}
    | {"stoichiometry", "impedance", "stress", "yield", "emission"}
)
"""Words for what is measured: a name that has one is near only to names that have it too."""

READINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"((lithium )?plating|(anode|negative) potential)( potential| limit| margin)?",
        ("plating margin", "least negative potential"),
    ),
    (r"(cut ?off )?voltage( cut ?off)?", ("upper voltage cutoff",)),
    (r"timeout|time out", ("time limit",)),
    (r"samples?|points|number of (samples|points)", ("designs",)),
    (r"dfn|newman|doyle.*", ("p2d",)),
    (r"min(imum)?", ("minimise",)),
    (r"max(imum)?", ("maximise",)),
    (r"lfp|lifepo4|iron phosphate", ("Prada2013",)),
    (r"lg ?m50\w*|nmc ?\d*|nickel manganese cobalt", ("Chen2020",)),
    (r"lco|licoo2", ("Ai2020",)),
)
"""Whole names as regular expressions, and what else each may mean; tried before their own words."""

NOT_OFFERED: tuple[tuple[str, str], ...] = (
    (
        r"experiment|drive|wltp|current profile|power profile|load profile|duty",
        "a drive cycle or a profile is not offered: a scenario is one charge, at constant current "
        "('C-rate'), in stages ('later stages') or held ('hold voltage')",
    ),
    (
        r"cycles?|cycling|ageing|aging|degradation|sei|life|lifetime",
        "cycling and ageing are not offered: a scenario is one charge",
    ),
    (r"rest|pause|relax\w*", "rests are not offered: a scenario is one charge without a pause"),
    (r"pulses?|gitt|hppc", "pulses are not offered: a scenario is one charge"),
    (r"constant power|^power$|watt\w*", "charging at constant power is not offered: state a 'C-rate'"),
    (r"temperature", "a temperature is the scenario's: 'temperature [K]'"),
    (
        r"loading",
        "a loading follows from thickness and porosity; 'constraints' can bound "
        "'Nominal areal capacity [A.h.m-2]'",
    ),
    (
        r"separator|electrolyte concentration|salt",
        "what designs cannot vary is stated under 'overrides', by PyBaMM's name",
    ),
    (r"pressure|stress|mechanic\w*", "mechanics are not offered"),
    (r"costs?|price|euros?|dollars?", "costs are not offered"),
)
"""What studies ask for and none can have: a regular expression of whole words, and what is said."""
