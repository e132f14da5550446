"""Using the gradients: problems, optimisers, verification, sensitivity, packages."""
