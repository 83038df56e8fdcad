"""One experiment: plan, execute, record. The entry point is `evalkit.experiment.execute.execute`."""
