"""Learning the answers: networks with the physics in their form, training, uncertainty, artefacts."""
