"""Pure rules: no input, no output, standard library only."""
