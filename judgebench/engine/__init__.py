"""Makes runs: what is asked, in which order, and what is kept of it. `analysis` reads them."""
