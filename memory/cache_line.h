#ifndef WIREBOOK_MEMORY_CACHE_LINE_H_
#define WIREBOOK_MEMORY_CACHE_LINE_H_
namespace wirebook { inline constexpr int kCacheLineBytes = 64; }
#endif
