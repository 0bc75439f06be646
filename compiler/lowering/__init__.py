"""The resolved tree to the contract's `Experiment`: quantities read, references looked up, nothing judged."""
