# cmake -DFILE=... -DHEADER=... -DNAME=... -P EmbedFile.cmake: writes a header with the file's bytes as `NAME`.
file(READ "${FILE}" bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE "${HEADER}" "#pragma once\ninline constexpr unsigned char ${NAME}[] = {${bytes}};\n")
