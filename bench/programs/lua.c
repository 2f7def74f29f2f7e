/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian's Lua: calls of functions and additions, which is computing, and texts, which is the
 * allocator and the collector besides. Local names are not looked up: how texts hash differs from
 * start to start.
 */
#include "bench/programs/work.h"

#include <lua5.4/lauxlib.h>
#include <lua5.4/lualib.h>

static const char script[] =
	"local function add(n) if n < 2 then return n end return add(n - 1) + add(n - 2) end\n"
	"fib = add\n"
	"function texts(n)\n"
	"  local parts, seen = {}, {}\n"
	"  for i = 1, n do\n"
	"    local word = string.format('%05d:%s', i * 7919 % n, string.rep('x', i % 13))\n"
	"    parts[#parts + 1] = word:upper():reverse()\n"
	"    seen[word:sub(1, 3)] = (seen[word:sub(1, 3)] or 0) + 1\n"
	"  end\n"
	"  local all = table.concat(parts, ' ')\n"
	"  local count = 0\n"
	"  for word in all:gmatch('%S+') do count = count + #word end\n"
	"  all = all:gsub('X', 'yz')\n"
	"  return count + #all\n"
	"end\n";

static lua_State *lua;

static bool prepare(void)
{
	if (lua)
		return true;
	lua = luaL_newstate();
	if (!lua)
		return false;
	luaL_openlibs(lua);
	return luaL_dostring(lua, script) == LUA_OK;
}

/* FUNCTION of N; 0 if it fails, which no result is. */
static uint64_t call(const char *function, lua_Integer n)
{
	lua_settop(lua, 0);
	lua_getglobal(lua, function);
	lua_pushinteger(lua, n);
	if (lua_pcall(lua, 1, 1, 0) != LUA_OK)
		return 0;
	return (uint64_t)lua_tointeger(lua, -1);
}

static uint64_t fib(void)
{
	return call("fib", 26);
}

static uint64_t texts(void)
{
	return call("texts", 6000);
}

WORK(lua_fib, prepare, fib)
WORK(lua_strings, prepare, texts)
