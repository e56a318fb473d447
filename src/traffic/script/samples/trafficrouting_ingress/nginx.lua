-- Canary annotations of ingress-nginx. The last match that says something wins, each for its own annotations.
local prefix = "nginx.ingress.kubernetes.io/"
local out = obj.annotations

for _, name in ipairs({ "", "-by-cookie", "-by-header", "-by-header-pattern", "-by-header-value", "-weight" }) do
    out[prefix .. "canary" .. name] = nil
end
out[prefix .. "canary"] = "true"

if obj.weight ~= "-1" then
    out[prefix .. "canary-weight"] = obj.weight
end

for _, match in ipairs(obj.matches or {}) do
    local header = match.headers and match.headers[1]
    if header and header.name == "canary-by-cookie" then
        out[prefix .. "canary-by-cookie"] = header.value
    elseif header then
        out[prefix .. "canary-by-header"] = header.name
        local how = header.type == "RegularExpression" and "pattern" or "value"
        out[prefix .. "canary-by-header-" .. how] = header.value
    end
end

return out
