/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of the lua example: Debian's Lua with two functions for the host, and one of the host's
 * for scripts. All libraries are open: what a script cannot do is not a list in here, but what a
 * sandbox lacks.
 */
#include <mote/guest.h>

#include <lua5.4/lauxlib.h>
#include <lua5.4/lualib.h>

#include <string.h>
#include <sys/random.h>

MOTE_IMPORT(str, Setting, str)

enum { ERROR_IN_SCRIPT = 1, ERROR_IN_CALL = 2 };

static lua_State *lua;

/* What one call is about. */
struct request {
	const char *name;     /* of the script, or of its function */
	const char *argument; /* the script's text, or the function's argument */
	const char *result;
};

/* For scripts: host.setting(name). */
static int host_setting(lua_State *L)
{
	lua_pushstring(L, Setting(luaL_checkstring(L, 1)));
	return 1;
}

static int load_script(lua_State *L)
{
	struct request *request = lua_touserdata(L, 1);

	lua_pushfstring(L, "=%s", request->name);
	if (luaL_loadbufferx(L, request->argument, strlen(request->argument), lua_tostring(L, -1),
			     "t"))
		return lua_error(L);
	lua_call(L, 0, 0);
	return 0;
}

static int call_function(lua_State *L)
{
	struct request *request = lua_touserdata(L, 1);

	if (lua_getglobal(L, request->name) != LUA_TFUNCTION)
		return luaL_error(L, "the script has no function '%s'", request->name);
	lua_pushstring(L, request->argument);
	lua_call(L, 1, 1);
	request->result = mote_format("%s", luaL_tolstring(L, -1, NULL));
	return 0;
}

/* Random numbers would be the same after each restore. */
static int seed_random(lua_State *L)
{
	lua_Integer seed;

	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		return luaL_error(L, "no random bytes");
	lua_getfield(L, LUA_REGISTRYINDEX, "randomseed");
	lua_pushinteger(L, seed);
	lua_call(L, 1, 0);
	return 0;
}

/* All that may raise an error of Lua runs in here; outside of a protected call it would abort. */
static void run(lua_CFunction function, struct request *request, uint64_t code)
{
	lua_settop(lua, 0);
	lua_pushcfunction(lua, function);
	lua_pushlightuserdata(lua, request);
	if (lua_pcall(lua, 1, 0, 0)) {
		const char *text = lua_tostring(lua, -1);
		mote_guest_fail(code, text ? text : "an error that is no text");
	}
}

/* Compiles a script and runs it, which defines functions for Call(). NAME is for messages. */
MOTE_EXPORT(void, Load, str, name, str, script)
{
	struct request request = { .name = name, .argument = script };

	run(load_script, &request, ERROR_IN_SCRIPT);
}

/* Calls a function of the script with one text; returns what it returns, as text. */
MOTE_EXPORT(str, Call, str, function, str, argument)
{
	struct request request = { .name = function, .argument = argument };

	run(call_function, &request, ERROR_IN_CALL);
	return request.result;
}

static void renew(void *user)
{
	(void)user;
	run(seed_random, NULL, ERROR_IN_CALL);
}

int main(void)
{
	static const luaL_Reg host[] = { { "setting", host_setting }, { NULL, NULL } };

	lua = luaL_newstate();
	if (!lua)
		return 1;
	luaL_openlibs(lua);
	luaL_newlib(lua, host);
	lua_setglobal(lua, "host");
	/* kept where scripts cannot replace it */
	lua_getglobal(lua, "math");
	lua_getfield(lua, -1, "randomseed");
	lua_setfield(lua, LUA_REGISTRYINDEX, "randomseed");
	mote_guest_on_restore(renew, NULL);
	return 0;
}
