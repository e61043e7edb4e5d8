"""The parts of ./dev bench engine: each measures(figures, where, seconds) a few figures on servers of its own."""
