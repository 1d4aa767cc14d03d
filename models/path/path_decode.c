/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine code of three ISAs into classes of operations. Capstone says what an instruction is, reads and writes. */
#include <models/path.h>

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

const char *const path_isa_names[PATH_ISAS + 1] = {"x86-64", "aarch64", "armv7", NULL};
const char *const path_class_names[PATH_CLASSES + 1] = {"alu",  "mul",      "div",    "load",  "store", "branch",
                                                        "jump", "indirect", "atomic", "other", NULL};

/* Latencies by which the longest chain is chosen. What it is made of is then weighed with the modelled core's own. */
static const unsigned chain_latency[PATH_CLASSES] = {
    [PATH_ALU] = 1, [PATH_MUL] = 3, [PATH_DIV] = 25, [PATH_LOAD] = 4, [PATH_ATOMIC] = 20, [PATH_OTHER] = 20,
};

#define MAX_REGS 512u

struct chain {
    uint32_t length;
    uint16_t n[PATH_CLASSES];
};

struct path_decoder {
    csh handle;
    cs_insn *insn;
    enum path_isa isa;
    struct path_block block;
    struct chain reg[MAX_REGS], longest;
    uint8_t pointer[MAX_REGS]; /* was loaded in this block, not from the stack */
    /* Registers that were the base of a load before they were loaded themselves: the next round of a loop follows them.
     */
    uint8_t base_before[MAX_REGS];
};

/* What one instruction does. */
struct ops {
    unsigned n[PATH_CLASSES];
    unsigned base; /* register of the address that is loaded from; 0: none, or the stack */
    bool stack;
};

struct path_decoder *path_decoder_open(enum path_isa isa)
{
    static const struct {
        cs_arch arch;
        cs_mode mode;
    } modes[PATH_ISAS] = {{CS_ARCH_X86, CS_MODE_64}, {CS_ARCH_ARM64, CS_MODE_ARM}, {CS_ARCH_ARM, CS_MODE_ARM}};
    struct path_decoder *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->isa = isa;
    if (cs_open(modes[isa].arch, modes[isa].mode, &d->handle) != CS_ERR_OK) {
        free(d);
        return NULL;
    }
    cs_option(d->handle, CS_OPT_DETAIL, CS_OPT_ON);
    d->insn = cs_malloc(d->handle);
    return d;
}

void path_decoder_close(struct path_decoder *d)
{
    if (!d)
        return;
    cs_free(d->insn, 1);
    cs_close(&d->handle);
    free(d);
}

static bool in_group(const struct path_decoder *d, unsigned group)
{
    return cs_insn_group(d->handle, d->insn, group);
}

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

/* ---- x86-64 -------------------------------------------------------------------------------------------------------
 */

static void x86_ops(const struct path_decoder *d, struct ops *o)
{
    const cs_insn *i = d->insn;
    const cs_x86 *x = &i->detail->x86;
    bool load = false, store = false, mul = false, div = false, moves = false;
    switch (i->id) {
    case X86_INS_NOP:
    case X86_INS_ENDBR64:
        return;
    case X86_INS_LEA:
        o->n[PATH_ALU] = 1;
        return;
    case X86_INS_IMUL:
    case X86_INS_MUL:
    case X86_INS_MULX:
        mul = true;
        break;
    case X86_INS_DIV:
    case X86_INS_IDIV:
        div = true;
        break;
    case X86_INS_PUSH:
        o->n[PATH_STORE] = 1;
        return;
    case X86_INS_POP:
        o->n[PATH_LOAD] = 1;
        o->stack = true;
        return;
    case X86_INS_MFENCE:
    case X86_INS_LFENCE:
    case X86_INS_SFENCE:
    case X86_INS_CPUID:
    case X86_INS_PAUSE:
    case X86_INS_UD2:
        o->n[PATH_OTHER] = 1;
        return;
    case X86_INS_MOV:
    case X86_INS_MOVABS:
    case X86_INS_MOVZX:
    case X86_INS_MOVSX:
    case X86_INS_MOVSXD:
        moves = true;
        break;
    default:
        break;
    }
    bool memory_written = false;
    for (unsigned k = 0; k < x->op_count; k++) {
        const cs_x86_op *op = &x->operands[k];
        if (op->type != X86_OP_MEM)
            continue;
        bool destination = k == 0 && x->op_count > 1 && i->id != X86_INS_CMP && i->id != X86_INS_TEST &&
                           i->id != X86_INS_BT && !mul && !div;
        if (x->op_count == 1 && (i->id == X86_INS_INC || i->id == X86_INS_DEC || i->id == X86_INS_NEG ||
                                 i->id == X86_INS_NOT || begins(i->mnemonic, "set")))
            destination = true;
        store = memory_written = destination;
        load = !destination || !(moves || begins(i->mnemonic, "set"));
        if (load && op->mem.base != X86_REG_RSP && op->mem.base != X86_REG_RIP)
            o->base = op->mem.base;
        o->stack = op->mem.base == X86_REG_RSP;
    }
    /* xchg with memory locks the bus without saying so. */
    bool atomic = x->prefix[0] == X86_PREFIX_LOCK || (i->id == X86_INS_XCHG && (load || memory_written));
    bool jump = in_group(d, X86_GRP_JUMP), call = in_group(d, X86_GRP_CALL), ret = in_group(d, X86_GRP_RET);
    o->n[PATH_LOAD] = load;
    o->n[PATH_STORE] = store;
    if (atomic)
        o->n[PATH_ATOMIC] = 1;
    else if (ret)
        o->n[PATH_JUMP] = o->n[PATH_LOAD] = 1, o->stack = true;
    else if (call || jump) {
        bool direct = x->op_count == 1 && x->operands[0].type == X86_OP_IMM;
        o->n[!direct ? PATH_INDIRECT : call || i->id == X86_INS_JMP ? PATH_JUMP : PATH_BRANCH] = 1;
        o->n[PATH_STORE] += call; /* the address to return to */
    } else if (mul)
        o->n[PATH_MUL] = 1;
    else if (div)
        o->n[PATH_DIV] = 1;
    else if (!(moves && (load || store)))
        o->n[PATH_ALU] = 1;
}

/* ---- Arm: both instruction sets by mnemonic ------------------------------------------------------------------------
 */

static unsigned register_count(const cs_insn *i, bool wide)
{
    unsigned n = 0;
    if (wide)
        return i->detail->arm64.op_count > 2 ? 1 : 1; /* a pair is one access of 16 bytes */
    for (unsigned k = 0; k < i->detail->arm.op_count; k++)
        n += i->detail->arm.operands[k].type == ARM_OP_REG;
    return n;
}

static void arm_ops(const struct path_decoder *d, struct ops *o)
{
    static const char *const exclusive[] = {"ldx",   "ldax",  "stx",   "stlx", "ldrex",
                                            "strex", "ldaex", "stlex", "cas",  "swp"};
    static const char *const fences[] = {"dmb", "dsb", "isb", "mrs", "msr", "mcr", "mrc", "wfe", "wfi", "brk", "udf"};
    const cs_insn *i = d->insn;
    const char *m = i->mnemonic;
    bool wide = d->isa == PATH_AARCH64;
    unsigned base = 0;
    if (wide) {
        for (unsigned k = 0; k < i->detail->arm64.op_count; k++)
            if (i->detail->arm64.operands[k].type == ARM64_OP_MEM)
                base = i->detail->arm64.operands[k].mem.base;
    } else {
        for (unsigned k = 0; k < i->detail->arm.op_count; k++)
            if (i->detail->arm.operands[k].type == ARM_OP_MEM)
                base = i->detail->arm.operands[k].mem.base;
    }
    o->stack = base == (wide ? (unsigned)ARM64_REG_SP : (unsigned)ARM_REG_SP);
    for (size_t k = 0; k < sizeof(exclusive) / sizeof(exclusive[0]); k++)
        if (begins(m, exclusive[k])) {
            /* A read-modify-write is a loop of two: half an atomic operation each, rounded to the load. */
            o->n[PATH_ATOMIC] = m[0] != 's' || begins(m, "swp");
            o->n[PATH_STORE] = !o->n[PATH_ATOMIC];
            return;
        }
    for (size_t k = 0; k < sizeof(fences) / sizeof(fences[0]); k++)
        if (begins(m, fences[k])) {
            o->n[PATH_OTHER] = 1;
            return;
        }
    if (!strcmp(m, "nop") || begins(m, "hint") || begins(m, "prf") || !strcmp(m, "pld"))
        return;
    if (begins(m, "ldm") || begins(m, "pop") || begins(m, "ld")) {
        bool many = begins(m, "ldm") || begins(m, "pop");
        o->n[PATH_LOAD] = many ? (register_count(i, wide) + 1) / 2 : 1;
        o->stack |= begins(m, "pop");
        if (!o->stack && base != (wide ? 0u : (unsigned)ARM_REG_PC))
            o->base = base;
        for (unsigned k = 0; !wide && k < i->detail->arm.op_count; k++)
            if (i->detail->arm.operands[k].type == ARM_OP_REG && i->detail->arm.operands[k].reg == ARM_REG_PC)
                o->n[many ? PATH_JUMP : PATH_INDIRECT] = 1; /* a return, or a table of jumps */
        return;
    }
    if (begins(m, "st") || begins(m, "push")) {
        bool many = begins(m, "stm") || begins(m, "push");
        o->n[PATH_STORE] = many ? (register_count(i, wide) + 1) / 2 : 1;
        return;
    }
    if (strstr(m, "div")) {
        o->n[PATH_DIV] = 1;
        return;
    }
    if (begins(m, "mul") || begins(m, "madd") || begins(m, "msub") || begins(m, "mneg") || begins(m, "mla") ||
        begins(m, "mls") || strstr(m, "mull") || strstr(m, "mulh") || strstr(m, "mlal") || strstr(m, "maddl")) {
        o->n[PATH_MUL] = 1;
        return;
    }
    if (!strcmp(m, "ret")) {
        o->n[PATH_JUMP] = 1;
        return;
    }
    if (begins(m, "br") || begins(m, "blr") || begins(m, "bx") || (begins(m, "blx") && i->detail->groups_count)) {
        bool back = !wide && begins(m, "bx"); /* bx lr */
        o->n[back ? PATH_JUMP : PATH_INDIRECT] = 1;
        return;
    }
    bool conditional = begins(m, "cb") || begins(m, "tb") || begins(m, "b.") ||
                       (!wide && m[0] == 'b' && i->id == ARM_INS_B && i->detail->arm.cc != ARM_CC_AL);
    if (conditional)
        o->n[PATH_BRANCH] = 1;
    else if (!strcmp(m, "b") || !strcmp(m, "bl") || (!wide && i->id == ARM_INS_BL))
        o->n[PATH_JUMP] = 1;
    else
        o->n[PATH_ALU] = 1;
}

/* ---- flow ---------------------------------------------------------------------------------------------------------
 */

bool path_decode_flow(struct path_decoder *d, const uint8_t *code, size_t n, uint64_t address, struct path_insn *out)
{
    if (!cs_disasm_iter(d->handle, &code, &n, &address, d->insn))
        return false;
    const cs_insn *i = d->insn;
    *out = (struct path_insn){.size = i->size, .flow = PATH_NEXT};
    struct ops o = {0};
    d->isa == PATH_X86_64 ? x86_ops(d, &o) : arm_ops(d, &o);
    int64_t target = 0;
    if (d->isa == PATH_X86_64) {
        const cs_x86 *x = &i->detail->x86;
        out->call = in_group(d, X86_GRP_CALL);
        if (x->op_count == 1 && x->operands[0].type == X86_OP_IMM)
            target = x->operands[0].imm;
        if (i->id == X86_INS_UD2)
            out->flow = PATH_AWAY;
    } else if (d->isa == PATH_AARCH64) {
        const cs_arm64 *a = &i->detail->arm64;
        out->call = begins(i->mnemonic, "bl");
        for (unsigned k = 0; k < a->op_count; k++)
            if (a->operands[k].type == ARM64_OP_IMM)
                target = a->operands[k].imm; /* the last one: after the bit number of tbz */
    } else {
        const cs_arm *a = &i->detail->arm;
        out->call = begins(i->mnemonic, "bl") && i->id != ARM_INS_B;
        for (unsigned k = 0; k < a->op_count; k++)
            if (a->operands[k].type == ARM_OP_IMM)
                target = a->operands[k].imm;
    }
    if (o.n[PATH_BRANCH])
        out->flow = PATH_CONDITIONAL;
    else if ((o.n[PATH_JUMP] || o.n[PATH_INDIRECT]) && !out->call)
        out->flow = d->isa == PATH_ARMV7 && i->detail->arm.cc != ARM_CC_AL && i->detail->arm.cc != ARM_CC_INVALID
                        ? PATH_CONDITIONAL
                        : PATH_AWAY;
    if (out->flow != PATH_NEXT && (o.n[PATH_BRANCH] || o.n[PATH_JUMP]))
        out->target = (uint64_t)target;
    return true;
}

/* ---- blocks -------------------------------------------------------------------------------------------------------
 */

void path_block_begin(struct path_decoder *d)
{
    memset(&d->block, 0, sizeof(d->block));
    memset(d->reg, 0, sizeof(d->reg));
    memset(&d->longest, 0, sizeof(d->longest));
    memset(d->pointer, 0, sizeof(d->pointer));
    memset(d->base_before, 0, sizeof(d->base_before));
}

static void follow_pointers(struct path_decoder *d, const struct ops *o, const cs_regs written, unsigned nr_written)
{
    unsigned base = o->base % MAX_REGS;
    if (base && d->pointer[base])
        d->block.derefs++;
    else if (base)
        d->base_before[base] = 1;
    for (unsigned k = 0; k < nr_written; k++) {
        unsigned r = written[k] % MAX_REGS;
        d->pointer[r] = o->n[PATH_LOAD] && !o->stack && o->base;
        if (d->pointer[r] && d->base_before[r]) {
            d->block.derefs++; /* p = p->next: the next round loads through it */
            d->base_before[r] = 0;
        }
    }
}

void path_block_add(struct path_decoder *d)
{
    struct ops o = {0};
    cs_regs read, written;
    uint8_t nr_read = 0, nr_written = 0;
    d->isa == PATH_X86_64 ? x86_ops(d, &o) : arm_ops(d, &o);
    unsigned classes = 0, latency = 0;
    for (unsigned c = 0; c < PATH_CLASSES; c++) {
        d->block.n[c] = (uint16_t)(d->block.n[c] + o.n[c]);
        classes += o.n[c];
        if (o.n[c])
            latency += chain_latency[c];
    }
    if (!classes)
        return; /* a nop */
    d->block.instructions++;
    if (cs_regs_access(d->handle, d->insn, read, &nr_read, written, &nr_written) != CS_ERR_OK)
        return;
    unsigned sp = d->isa == PATH_X86_64 ? X86_REG_RSP : d->isa == PATH_AARCH64 ? ARM64_REG_SP : ARM_REG_SP;
    struct chain at = {0};
    for (unsigned k = 0; k < nr_read; k++)
        if (read[k] != sp && d->reg[read[k] % MAX_REGS].length > at.length)
            at = d->reg[read[k] % MAX_REGS];
    at.length += latency;
    for (unsigned c = 0; c < PATH_CLASSES; c++)
        at.n[c] = (uint16_t)(at.n[c] + (chain_latency[c] && o.n[c] ? 1 : 0));
    for (unsigned k = 0; k < nr_written; k++)
        d->reg[written[k] % MAX_REGS] = at;
    if (at.length > d->longest.length)
        d->longest = at;
    follow_pointers(d, &o, written, nr_written);
}

void path_block_end(struct path_decoder *d, struct path_block *out)
{
    memcpy(d->block.chain, d->longest.n, sizeof(d->block.chain));
    *out = d->block;
}
