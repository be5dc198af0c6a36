"""Every panel is drawn, so titles are unique within a dashboard."""

assert len(figures) == len(every) > 0
