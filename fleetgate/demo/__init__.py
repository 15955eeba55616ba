"""The demo: an embedded fleet with real backends, and a walk through the documents' examples.

"The documents" are the two pages of Alibaba Cloud's documentation that fleetgate is modelled on.
Their manifests are in `manifests/`.
"""
