/* The first process of a pod whose containers share their processes: it only has to be there, and to leave no zombies of
 * processes whose parents have ended. Without a C library: a page of memory, and nothing to be found in it. */
#define SIGCHLD 17
#define IGNORE 1L

struct action {
  long handler;
  unsigned long flags;
  long restorer;
  unsigned long mask;
};

#if defined(__x86_64__)
enum { SIGACTION = 13, PPOLL = 271 };
static long call(long number, long a, long b, long c, long d) {
  long result;
  register long fourth __asm__("r10") = d;
  register long fifth __asm__("r8") = 0;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum { SIGACTION = 134, PPOLL = 73 };
static long call(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = 0;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}
#else
#error "pod_init.c: how does this machine call its kernel?"
#endif

__attribute__((noreturn)) void _start(void) {
  /* Children of who ignores SIGCHLD leave no zombies, also those it inherits (sigaction(2)). Not on the stack: the kernel
   * aligns that otherwise than a compiler expects of a function that is called. */
  static const struct action ignore = {IGNORE, 0, 0, 0};
  call(SIGACTION, SIGCHLD, (long)&ignore, 0, sizeof ignore.mask);
  for (;;) call(PPOLL, 0, 0, 0, 0);
}
