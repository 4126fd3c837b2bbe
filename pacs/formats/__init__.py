"""How dates are written in each language, in place of what the framework would choose."""
