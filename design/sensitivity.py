"""Which variable matters: global sensitivity of a vectorised function over a space, on SALib's samples.

Each analysis takes a function of designs (a surrogate's ``predict``, or a loop over simulations), a
space or `Inputs` (distributions, groups), the outputs, how many samples, and a seed that decides all.

Where ``half_widths`` tells the 90 % intervals of a surrogate, its own error is carried: the analysis is
repeated with errors drawn and added to the outputs, each half-width over 1.645 times a random smooth
function over the box, and the change of the indices, root mean square, joins the confidence in
quadrature. Errors are smooth because those of a surrogate are: at neighbouring designs it is wrong
alike, and errors drawn for every design alone would average out of the indices.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from SALib.analyze import morris as analyse_morris
from SALib.analyze.fast import compute_orders
from SALib.sample import fast_sampler
from SALib.sample import morris as sample_morris
from scipy.stats import t

from electrograd.design.problem import Predictor
from electrograd.design.sensitivity_estimates import constant, each
from electrograd.design.sensitivity_further import dgsm_bounds, pawn_indices
from electrograd.design.sensitivity_inputs import LEAST_OF_FAST, Inputs, Predict
from electrograd.design.sensitivity_results import FastIndices, Indices, MorrisEffects
from electrograd.design.sensitivity_sobol import sobol_indices
from electrograd.physics.errors import InputError, check_name
from electrograd.surrogates.figure_surrogate import FigureSurrogate
from electrograd.surrogates.surrogate import Surrogate
from electrograd.sweeps.samplers import morris_levels
from electrograd.sweeps.space import DesignSpace

METHODS = {
    "sobol": "shares of the variance, alone and with interactions",
    "morris": "elementary effects, by few evaluations",
    "fast": "shares of the variance, by Fourier amplitudes",
    "pawn": "how far the whole distribution moves",
    "dgsm": "bounds on total shares, by gradients",
}
"""Methods, with what each tells."""

_FAST_CURVES = 5  # as many estimates, whose scatter is FAST's confidence


def sensitivity_of(
    surrogate: Predictor,
    outputs: Sequence[str],
    method: str,
    samples: int,
    seed: int,
    *,
    second_order: bool = False,
    inputs: Inputs | None = None,
) -> Mapping[str, Indices]:
    """Sensitivity of a surrogate's figures of merit over its box, its own error carried.

    Parameters
    ----------
    surrogate
        What predicts; its half-widths at each design where it tells them, else its interval.
    method
        Of `METHODS`; the functions of this module and `sensitivity_further` say what they find.
    samples
        Base samples, trajectories, samples along a curve, or designs, as the method takes them.
    second_order
        Also what pairs of variables explain together, of Sobol indices.
    inputs
        How designs are drawn from the box, and groups; by default every variable evenly, alone.

    Raises
    ------
    InputError
        For an unknown method, second order by another than Sobol's, and as the methods do.
    """
    check_name(method, METHODS, "a sensitivity must be by a method this release knows")
    if second_order and method != "sobol":
        raise InputError("the second order is of Sobol indices", method, "sobol")
    space, predict = inputs or surrogate.space, surrogate.predict
    if method == "dgsm":
        return dgsm_bounds(surrogate.figures, space, outputs, samples, seed)

    def half_widths(designs: np.ndarray) -> dict[str, np.ndarray]:
        if isinstance(surrogate, FigureSurrogate) or (
            isinstance(surrogate, Surrogate) and surrogate.trust
        ):
            return surrogate.half_widths(designs)
        return {name: np.full(len(designs), surrogate.interval(name)) for name in outputs}

    if method == "sobol":
        return sobol_indices(
            predict, space, outputs, samples, seed, second_order=second_order, half_widths=half_widths
        )
    if method == "morris":
        return morris_effects(predict, space, outputs, samples, seed, half_widths=half_widths)
    by = fast_indices if method == "fast" else pawn_indices
    return by(predict, space, outputs, samples, seed, half_widths=half_widths)


def morris_effects(
    predict: Predict,
    over: DesignSpace | Inputs,
    outputs: Sequence[str],
    trajectories: int,
    seed: int,
    *,
    half_widths: Predict | None = None,
) -> dict[str, MorrisEffects]:
    """Morris' elementary effects of each output, per whole range of a variable (of its distribution).

    Parameters
    ----------
    predict, half_widths
        As for `sobol_indices`.
    trajectories
        Two at least; the function is evaluated ``trajectories * (variables + 1)`` times.

    Raises
    ------
    InputError
        For fewer than two trajectories, and an output that is not predicted, or not finite.
    """
    if trajectories < 2:
        raise InputError("Morris' effects need two trajectories at least", trajectories, 2)
    inputs = Inputs.of(over)
    problem, levels = inputs.problem(), morris_levels(inputs.space)
    unit = sample_morris.sample(problem, trajectories, num_levels=levels, seed=seed)

    def estimate(values: np.ndarray, resamples: int) -> MorrisEffects:
        found = analyse_morris.analyze(
            problem, unit, values, num_levels=levels, num_resamples=resamples, seed=seed
        )
        keys = ("mu_star", "mu_star_conf", "mu", "sigma")
        return MorrisEffects(inputs.names, *(np.asarray(found[key], float) for key in keys))

    return each(predict, inputs, unit, outputs, seed, half_widths, estimate)


def fast_indices(
    predict: Predict,
    over: DesignSpace | Inputs,
    outputs: Sequence[str],
    samples: int,
    seed: int,
    *,
    half_widths: Predict | None = None,
) -> dict[str, FastIndices]:
    """Sobol indices by the extended Fourier amplitude test (Saltelli, Technometrics 41 (1999) 39).

    The mean over five search curves a variable, with other phases and frequencies; their scatter is the
    confidence. The method has an error of its own beside it, up to 0.02 on the functions of the tests:
    four harmonics are summed, so that first-order indices come out too small, and frequencies interfere.

    Parameters
    ----------
    predict, half_widths
        As for `sobol_indices`.
    samples
        Along each curve, 65 at least; the function is evaluated ``5 * samples * variables`` times.

    Raises
    ------
    InputError
        For fewer samples, groups, and an output that is not predicted, or not finite.
    """
    if samples < LEAST_OF_FAST:
        raise InputError("FAST needs 65 samples along a curve at least", samples, LEAST_OF_FAST)
    inputs, rng = Inputs.of(over).ungrouped("fast"), np.random.default_rng(seed)
    problem, count, harmonics = inputs.problem(), len(inputs.names), 4
    # Which of the low frequencies the other variables get is the larger part of the method's error.
    orders = [rng.permutation(count) for _ in range(_FAST_CURVES)]
    curves = [
        np.clip(fast_sampler.sample(problem, samples, M=harmonics, seed=rng), 0.0, 1.0)[
            :, np.argsort(order)
        ]
        for order in orders
    ]
    wide = t.ppf(0.975, _FAST_CURVES - 1) / math.sqrt(_FAST_CURVES)

    def estimate(values: np.ndarray, _resamples: int) -> FastIndices:
        if constant(values):
            return FastIndices(inputs.names, *np.zeros((4, count)))
        frequency = (samples - 1) // (2 * harmonics)
        shares = np.array(
            [
                [compute_orders(row, samples, harmonics, frequency) for row in rows[np.argsort(order)]]
                for rows, order in zip(values.reshape(-1, count, samples), orders, strict=True)
            ]
        )
        (first, total), off = shares.mean(axis=0).T, wide * shares.std(axis=0, ddof=1).T
        return FastIndices(inputs.names, first, off[0], total, off[1])

    return each(predict, inputs, np.concatenate(curves), outputs, seed, half_widths, estimate)
