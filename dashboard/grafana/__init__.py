"""Grafana's dashboards and provisioning, and Python that reads them as Grafana does."""
