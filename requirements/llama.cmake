# Leaves out of llama-cpp-python's build what nothing here loads: llama.cpp's command line helpers, and images and sound.
# CMake reads this right after project("llama.cpp"). A plain variable wins over the cache entry that is forced before it.
set(LLAMA_BUILD_COMMON OFF)
set(LLAVA_BUILD OFF PARENT_SCOPE)
