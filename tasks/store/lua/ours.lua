-- Whether a mark is still that of the try which had this number: of one that was frozen past its time, another may have begun the
-- message since, and then its claim, and the key's, are that one's. Nobody begins one that is done with.
local function ours(was, tries)
  local now = string.match(was or '', '^%S+ %d+ (%d+) ')
  return not now or now == tries
end
