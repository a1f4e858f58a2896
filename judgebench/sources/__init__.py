"""From a file, a data set of the hub, a frame or a list to rows with their places. Its modules are its face."""
