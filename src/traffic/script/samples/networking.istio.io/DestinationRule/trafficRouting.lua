-- A DestinationRule of Istio: the subset of the new version's pods, which carry this label.
local subset = { name = "canary", labels = { ["istio.service.tag"] = "gray" } }
obj.data.spec.subsets = obj.data.spec.subsets or {}
table.insert(obj.data.spec.subsets, subset)
return obj.data
