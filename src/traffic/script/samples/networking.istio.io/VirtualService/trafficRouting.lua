-- A VirtualService of Istio. Without matches, weights beside the stable Service in rules without conditions; with matches,
-- a rule for each of them before the user's.
local spec = obj.data.spec
local is_same = obj.stableService == obj.canaryService

local function is_stable(target)
    local host = target.destination.host
    return string.match(host, "^[^.]+") == obj.stableService and not (is_same and target.destination.subset == "canary")
end

local function canary()
    local destination = { host = obj.canaryService }
    if is_same then
        destination.subset = "canary"
    end
    return { destination = destination }
end

local function weigh(rule)
    local stable = nil
    for _, target in ipairs(rule.route) do
        if is_stable(target) then
            stable = target
        end
    end
    if not stable or rule.match then
        return
    end
    for _, target in ipairs(rule.route) do
        target.weight = math.floor((target.weight or 100 / #rule.route) * obj.stableWeight / 100)
    end
    local new = canary()
    new.weight = obj.canaryWeight
    table.insert(rule.route, new)
end

local function compared(conditions)
    local all = {}
    for _, condition in ipairs(conditions) do
        all[condition.name] = { [condition.type == "RegularExpression" and "regex" or "exact"] = condition.value }
    end
    return all
end

local function pairs_of(headers)
    local all = {}
    for _, header in ipairs(headers) do
        all[header.name] = header.value
    end
    return all
end

if obj.matches then
    for _, match in ipairs(obj.matches) do
        local condition = {}
        if match.path then
            local how = { Exact = "exact", RegularExpression = "regex", PathPrefix = "prefix" }
            condition.uri = { [how[match.path.type]] = match.path.value }
        end
        condition.headers = match.headers and compared(match.headers)
        condition.queryParams = match.queryParams and compared(match.queryParams)
        local rule = { match = { condition }, route = { canary() } }
        local modifier = obj.requestHeaderModifier
        if modifier then
            rule.headers = { request = {
                set = modifier.set and pairs_of(modifier.set),
                add = modifier.add and pairs_of(modifier.add),
                remove = modifier.remove,
            } }
        end
        table.insert(spec.http, 1, rule)
    end
else
    for _, list in ipairs({ "http", "tcp", "tls" }) do
        for _, rule in ipairs(spec[list] or {}) do
            if rule.route then
                weigh(rule)
            end
        end
    end
end

return obj.data
