"""Makes runs: what is asked, in which order, and what is kept; `analysis` reads them. Its modules are its face."""
