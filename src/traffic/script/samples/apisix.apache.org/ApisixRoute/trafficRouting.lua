-- An ApisixRoute: weights of the backends of every HTTP rule that sends requests to the stable Service; for matches, a rule
-- of a higher priority with the conditions as expressions.
local spec = obj.data.spec

local function stable_of(rule)
    for place, backend in ipairs(rule.backends or {}) do
        if backend.serviceName == obj.stableService then
            return backend, place
        end
    end
end

local function canary_of(stable, weight)
    local new = {}
    for name, value in pairs(stable) do
        new[name] = value
    end
    new.serviceName, new.weight = obj.canaryService, weight
    return new
end

local function expressions(match)
    local all = {}
    local function add(conditions, scope)
        for _, condition in ipairs(conditions or {}) do
            table.insert(all, {
                subject = { scope = scope, name = condition.name },
                op = condition.type == "RegularExpression" and "RegexMatch" or "Equal",
                value = condition.value,
            })
        end
    end
    add(match.headers, "Header")
    add(match.queryParams, "Query")
    return all
end

local rules, found = {}, false
for _, rule in ipairs(spec.http or {}) do
    local stable, place = stable_of(rule)
    found = found or stable ~= nil
    for number, match in ipairs(stable and obj.matches or {}) do
        local condition = { paths = rule.match.paths, hosts = rule.match.hosts, methods = rule.match.methods }
        condition.exprs = expressions(match)
        if match.path then
            condition.paths = { match.path.type == "Exact" and match.path.value or match.path.value .. "*" }
        end
        table.insert(rules, {
            name = rule.name .. "-canary-" .. number,
            priority = (rule.priority or 0) + number,
            match = condition,
            backends = { canary_of(stable, nil) },
        })
    end
    if stable and not obj.matches then
        stable.weight = obj.stableWeight
        table.insert(rule.backends, place + 1, canary_of(stable, obj.canaryWeight))
    end
    table.insert(rules, rule)
end

if not found then
    error("no rule sends requests to Service " .. obj.stableService)
end
spec.http = rules
return obj.data
