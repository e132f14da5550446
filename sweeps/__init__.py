"""Asking the physics many times: design spaces, the runner, the store."""
