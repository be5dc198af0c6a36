"""The dashboards of the optional datasets: one module each, as in `boards`."""
