//! Nothing but a test of a program in which `arbitrary_precision` is on.
