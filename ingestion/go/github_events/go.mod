module github_events

go 1.25.0
