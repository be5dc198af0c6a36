package io.github.rta.questdb.encoding;

import java.util.Set;

/** A table's columns as the server has them, in lower case as it compares them; fetched at a System.nanoTime(). */
public record Schema(Set<String> columns, String designated, long fetched) {}
