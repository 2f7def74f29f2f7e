/* SPDX-License-Identifier: Apache-2.0 */
/* Reads from and writes to each port, in each size. Ports 0xe0 to 0xe2 may be the host's:
 * own_ports.c */
#include "hostile/guests/attack.h"

ATTACK_WAYS(6 * 65536)
{
	uint16_t port = (uint16_t)(way / 6);

	if (port >= 0xe0 && port <= 0xe2)
		port = 0xe3;

	switch (way % 6) {
	case 0:
		__asm__ volatile("outb %%al, %%dx" : : "a"(0), "d"(port));
		break;
	case 1:
		__asm__ volatile("outw %%ax, %%dx" : : "a"(0), "d"(port));
		break;
	case 2:
		__asm__ volatile("outl %%eax, %%dx" : : "a"(0), "d"(port));
		break;
	case 3:
		__asm__ volatile("inb %%dx, %%al" : : "d"(port) : "rax");
		break;
	case 4:
		__asm__ volatile("inw %%dx, %%ax" : : "d"(port) : "rax");
		break;
	case 5:
		__asm__ volatile("inl %%dx, %%eax" : : "d"(port) : "rax");
		break;
	}
}
