"""Serves the provisioned dashboards where no Grafana is installed: the same links, the same JSON, the same SQL."""
