"""What compiler and runtime both hold: the frozen experiment, its canonical form, its laws and its words.

Standard library and Jinja2 only. The runtime imports this package and nothing else of the compiler.
"""
