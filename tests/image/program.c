/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that is a program and a library: built in ways that no guest may be built in.
 */
int called(int value);

int called(int value)
{
	return value + 1;
}

int main(void)
{
	return called(-1);
}
