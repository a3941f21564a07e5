"""GitHub and GitLab: a comment on the merge request of the running pipeline, created once and then updated."""
