"""One file per capability; the public functions are verbs."""
