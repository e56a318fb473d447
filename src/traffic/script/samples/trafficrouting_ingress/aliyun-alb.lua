-- Canary annotations of Alibaba's Application Load Balancer. Several headers, cookies and source addresses of a match go
-- into a list of conditions of the canary Service; one header alone has annotations of its own.
local prefix = "alb.ingress.kubernetes.io/"
local out = obj.annotations

for _, name in ipairs({ "-by-cookie", "-by-header", "-by-header-pattern", "-by-header-value", "-weight" }) do
    out[prefix .. "canary" .. name] = nil
end
local list = prefix .. "conditions." .. obj.canaryService
out[list] = nil
out[prefix .. "canary"] = "true"
out[prefix .. "order"] = "1"

if obj.weight ~= "-1" then
    out[prefix .. "canary-weight"] = obj.weight
end

local function split(text, at)
    local parts = {}
    for part in string.gmatch(text, "[^" .. at .. "]+") do
        table.insert(parts, part)
    end
    return parts
end

local function condition(header)
    if header.name == "Cookie" then
        local values = {}
        for _, pair in ipairs(split(header.value, ";")) do
            local parts = split(pair, "=")
            table.insert(values, { key = parts[1], value = parts[2] })
        end
        return { type = "Cookie", cookieConfig = { values = values } }
    elseif header.name == "SourceIp" then
        return { type = "SourceIp", sourceIpConfig = { values = split(header.value, ";") } }
    end
    return { type = "Header", headerConfig = { key = header.name, values = split(header.value, ";") } }
end

local headers = obj.matches and obj.matches[1].headers
if obj.matches and not headers then
    error("ALB matches headers only")
elseif headers and #headers == 1 and headers[1].name ~= "Cookie" and headers[1].name ~= "SourceIp" then
    local header = headers[1]
    if header.name == "canary-by-cookie" then
        out[prefix .. "canary-by-cookie"] = header.value
    else
        out[prefix .. "canary-by-header"] = header.name
        out[prefix .. "canary-by-header-" .. (header.type == "RegularExpression" and "pattern" or "value")] = header.value
    end
elseif headers then
    local conditions = {}
    for _, header in ipairs(headers) do
        table.insert(conditions, condition(header))
    end
    out[list] = json.encode(conditions)
end

return out
