"""Work carried by a Ray cluster: the driver holds the plan, workers make the calls, limits hold over all of them."""
