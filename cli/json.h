/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - JSON output: json-c, less what a program that ends on failure need not check.
 *
 * All of these end the program with a message when memory is out. An object that was added
 * to another, or printed, is gone.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <json-c/json_object.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Values. */
struct json_object *json_map(void);
struct json_object *json_list(void);
struct json_object *json_text(const char *text);
struct json_object *json_text_n(const char *text, size_t size);
struct json_object *json_number(uint64_t number);
struct json_object *json_integer(int64_t number);
struct json_object *json_flag(bool flag);

/* A number that reads as TEXT, which must be a JSON number for VALUE. */
struct json_object *json_real(double value, const char *text);

/* Adds VALUE to OBJECT as KEY, a static string; appends VALUE to ARRAY. */
void json_add(struct json_object *object, const char *key, struct json_object *value);
void json_append(struct json_object *array, struct json_object *value);

/* Prints VALUE and frees it. What reaches TO is UTF-8 and has no control
 * character but line ends; bytes of text that were no UTF-8 have become U+FFFD. */
void json_print(FILE *to, struct json_object *value);

#endif
