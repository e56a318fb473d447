-- Canary annotations of the Ingress of Alibaba's Microservices Engine: those of ingress-nginx, and some of its own.
local nginx, own = "nginx.ingress.kubernetes.io/", "mse.ingress.kubernetes.io/"
local out = obj.annotations

for _, name in ipairs({ "-by-cookie", "-by-header", "-by-header-pattern", "-by-header-value", "-weight" }) do
    out[nginx .. "canary" .. name] = nil
end
for _, name in ipairs({ "", "-pattern", "-value" }) do
    out[own .. "canary-by-query" .. name] = nil
end
out[nginx .. "canary"] = "true"

local function how(condition)
    return condition.type == "RegularExpression" and "-pattern" or "-value"
end

if obj.weight ~= "-1" then
    out[nginx .. "canary-weight"] = obj.weight
end
if out[own .. "service-subset"] then
    out[own .. "service-subset"] = "gray"
end

local modifier = obj.requestHeaderModifier
if modifier then
    local lines = {}
    for _, header in ipairs(modifier.set or {}) do
        table.insert(lines, header.name .. " " .. header.value)
    end
    out[own .. "request-header-control-update"] = table.concat(lines, "\n")
end

for _, match in ipairs(obj.matches or {}) do
    local header, query = match.headers and match.headers[1], match.queryParams and match.queryParams[1]
    if header and header.name == "canary-by-cookie" then
        out[nginx .. "canary-by-cookie"] = header.value
    elseif header then
        out[nginx .. "canary-by-header"] = header.name
        out[nginx .. "canary-by-header" .. how(header)] = header.value
    end
    if query then
        out[own .. "canary-by-query"] = query.name
        out[own .. "canary-by-query" .. how(query)] = query.value
    end
end

return out
