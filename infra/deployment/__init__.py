"""From this repository to a stack on AWS: package, deploy, destroy."""
