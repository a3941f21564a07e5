"""What GitHub Actions reads on stdout: annotations as workflow commands, worst first and within its limits."""
