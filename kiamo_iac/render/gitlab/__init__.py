"""What GitLab reads out of the artifacts of a job: the widget of plans on a merge request, and Code Quality."""
