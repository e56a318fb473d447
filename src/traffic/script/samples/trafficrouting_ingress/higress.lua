-- Canary annotations of Higress, which reads those of ingress-nginx. What it cannot match is an error, not nothing.
local prefix = "nginx.ingress.kubernetes.io/canary"
local out = obj.annotations

for _, name in ipairs({ "-by-cookie", "-by-header", "-by-header-pattern", "-by-header-value", "-weight" }) do
    out[prefix .. name] = nil
end
out[prefix] = "true"

if obj.weight ~= "-1" then
    out[prefix .. "-weight"] = obj.weight
end

for number, match in ipairs(obj.matches or {}) do
    local header = match.headers and match.headers[1]
    if not header then
        error("match " .. number .. " has no header, and Higress matches nothing else")
    end
    if header.name == "canary-by-cookie" then
        out[prefix .. "-by-cookie"] = header.value
    else
        out[prefix .. "-by-header"] = header.name
        out[prefix .. "-by-header-" .. (header.type == "RegularExpression" and "pattern" or "value")] = header.value
    end
end

return out
