"""Going back: the pods, the configuration and the records of the verified release before."""
