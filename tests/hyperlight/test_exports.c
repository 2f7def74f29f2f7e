/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test guest has the functions that Hyperlight's own test guests have: their names, parameters
 * and results, as its file has them in its records. Nothing is called.
 */
#include "abi/mote_abi.h"

#include <mote/value.h>

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *guest_path;
static struct mote_record records[256];
static size_t nrecords;

/* A letter for each type, in the order of their numbers. */
static const char letters[] = "viIlLfdbsB";
_Static_assert(MOTE_BYTES == sizeof letters - 2, "each type has a letter");

/* Of both guests, the one in Rust and the one in C; where they differ, of the one in Rust. Result,
 * then parameters. docs/hyperlight.md says which are not here. */
static const struct {
	const char *name;
	const char *types;
} wanted[] = {
	{ "SetStatic", "i" },
	{ "EchoDouble", "dd" },
	{ "EchoFloat", "ff" },
	{ "Echo", "ss" },
	{ "InstallHandler", "vi" },
	{ "GetExceptionHandlerCallCount", "i" },
	{ "TriggerInt3", "i" },
	{ "PrintOutput", "is" },
	{ "PrintUsingPrintf", "is" },
	{ "PrintOutputWithHostPrint", "is" },
	{ "PrintTwoArgs", "isi" },
	{ "PrintThreeArgs", "isil" },
	{ "PrintFourArgs", "isils" },
	{ "PrintFiveArgs", "isilss" },
	{ "PrintSixArgs", "isilssb" },
	{ "PrintSevenArgs", "isilssbb" },
	{ "PrintEightArgs", "isilssbbI" },
	{ "PrintNineArgs", "isilssbbIL" },
	{ "PrintTenArgs", "isilssbbILi" },
	{ "PrintElevenArgs", "isilssbbILif" },
	{ "SetByteArrayToZero", "BB" },
	{ "GetSizePrefixedBuffer", "BB" },
	{ "BufferOverrun", "is" },
	{ "InfiniteRecursion", "v" },
	{ "StackOverflow", "ii" },
	{ "StackAllocate", "ii" },
	{ "LargeVar", "i" },
	{ "SmallVar", "i" },
	{ "CallMalloc", "ii" },
	{ "MallocAndFree", "ii" },
	{ "TestMalloc", "ii" },
	{ "FillHeapAndCauseException", "v" },
	{ "ExhaustHeap", "v" },
	{ "Spin", "v" },
	{ "SpinForMs", "LI" },
	{ "GuestAbortWithCode", "vi" },
	{ "GuestAbortWithMessage", "vis" },
	{ "guest_panic", "vs" },
	{ "ExecuteOnHeap", "s" },
	{ "ExecuteOnStack", "i" },
	{ "LogMessage", "vsi" },
	{ "LogMessageWithSource", "issi" },
	{ "TriggerException", "v" },
	{ "OutbWithPort", "vII" },
	{ "AddToStatic", "ii" },
	{ "GetStatic", "i" },
	{ "AddToStaticAndFail", "i" },
	{ "24K_in_8K_out", "BB" },
	{ "CallGivenParamlessHostFuncThatReturnsI64", "ls" },
	{ "UseSSE2Registers", "v" },
	{ "SetDr0", "vL" },
	{ "GetDr0", "L" },
	{ "Add", "iii" },
	{ "LargeParameters", "vBs" },
	{ "ReadFromUserMemory", "BLB" },
	{ "ReadMappedBuffer", "BLLb" },
	{ "CheckMapped", "bL" },
	{ "WriteMappedBuffer", "bLL" },
	{ "ExecMappedBuffer", "bLL" },
	{ "CallHostExpectError", "vs" },
	{ "GuestMethod", "is" },
	{ "GuestMethod1", "is" },
	{ "GuestMethod2", "is" },
	{ "GuestMethod3", "is" },
	{ "GuestMethod4", "v" },
	{ "CallErrorMethod", "is" },
	{ "CallHostSpin", "v" },
	{ "HostCallLoop", "Bs" },
	{ "CallHostThenSpin", "vs" },
	{ "FuzzGuestTrace", "IIs" },
	{ "CorruptOutputSizePrefix", "i" },
	{ "CorruptOutputBackPointer", "i" },
	{ "GuestRetrievesFloatValue", "fff" },
	{ "GuestRetrievesDoubleValue", "ddd" },
	{ "GuestRetrievesStringValue", "s" },
	{ "GuestRetrievesBoolValue", "bii" },
	{ "ThisIsNotARealFunctionButTheNameIsImportant", "i" },
};

static void read_at(FILE *file, uint64_t offset, void *to, size_t size)
{
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	assert_int_equal(fread(to, 1, size, file), size);
}

static void read_records(FILE *file)
{
	Elf64_Ehdr header;
	Elf64_Shdr names, section;
	char name[sizeof MOTE_EXPORTS_SECTION];

	read_at(file, 0, &header, sizeof header);
	read_at(file, header.e_shoff + header.e_shstrndx * sizeof names, &names, sizeof names);
	for (unsigned i = 0; i < header.e_shnum; i++) {
		read_at(file, header.e_shoff + i * sizeof section, &section, sizeof section);
		read_at(file, names.sh_offset + section.sh_name, name,
			section.sh_name + sizeof name < names.sh_size ? sizeof name : 1);
		if (strncmp(name, MOTE_EXPORTS_SECTION, sizeof name) != 0)
			continue;
		nrecords = section.sh_size / sizeof records[0];
		assert_in_range(nrecords, 1, sizeof records / sizeof records[0]);
		read_at(file, section.sh_offset, records, section.sh_size);
	}
}

static int load(void **state)
{
	FILE *file = fopen(guest_path, "rb");

	(void)state;
	assert_non_null(file);
	read_records(file);
	fclose(file);
	return 0;
}

static const struct mote_record *find(const char *name)
{
	for (size_t i = 0; i < nrecords; i++)
		if (strcmp(records[i].name, name) == 0)
			return &records[i];
	return NULL;
}

static void hyperlights_functions_are_there_as_they_are(void **state)
{
	const bool has_vectors = find("UseSSE2Registers") != NULL;

	(void)state;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		const struct mote_record *record = find(wanted[i].name);
		char types[2 + MOTE_PARAMS_MAX] = "";

		if (!record && !has_vectors &&
		    (strpbrk(wanted[i].types, "fd") || strstr(wanted[i].name, "SSE2")))
			continue;
		if (!record)
			fail_msg("%s is not there", wanted[i].name);
		types[0] = letters[record->result];
		for (size_t j = 0; j < record->nparams; j++)
			types[1 + j] = letters[record->params[j]];
		if (strcmp(types, wanted[i].types) != 0)
			fail_msg("%s is %s, and should be %s", wanted[i].name, types,
				 wanted[i].types);
	}
}

static void each_name_is_there_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < nrecords; i++)
		assert_ptr_equal(find(records[i].name), &records[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hyperlights_functions_are_there_as_they_are),
		cmocka_unit_test(each_name_is_there_once),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, load, NULL);
}
