-- One request that wrk repeats: its method, and how many bytes its body has. Headers are given to wrk itself.
function init(args)
  wrk.method = args[1]
  local bytes = tonumber(args[2])
  if bytes > 0 then wrk.body = string.rep("x", bytes) end
end
