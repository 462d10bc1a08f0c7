"""The judgement of a canary from what its pods and the stable ones answered."""
