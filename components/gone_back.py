"""What an update shows after somebody has gone back by hand: nothing, for the version that serves."""

from __future__ import annotations

import pulumi

# Records, the migration Job and the canary are those of the release that was left; stable decides what is true.
_LEFT_AS_THEY_ARE = {
    "kubernetes:core/v1:ConfigMap": ["data"],
    "kubernetes:batch/v1:Job": ["metadata", "spec"],
}


def leave_as_it_is(
    args: pulumi.ResourceTransformationArgs,
) -> pulumi.ResourceTransformationResult | None:
    """Return the resource with what belongs to the release that was left ignored: a transformation of Pulumi."""
    ignored = _LEFT_AS_THEY_ARE.get(args.type_, [])
    if args.type_ == "kubernetes:apps/v1:Deployment" and args.name.endswith("-canary"):
        ignored = ["metadata", "spec"]
    if not ignored:
        return None
    opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(ignore_changes=ignored))
    return pulumi.ResourceTransformationResult(props=args.props, opts=opts)
