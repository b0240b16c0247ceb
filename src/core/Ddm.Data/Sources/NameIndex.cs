namespace Ddm.Data;

/// <summary>Finds names of a <see cref="NameList"/> by their bytes: a hash table of numbers, four to eight bytes a name.</summary>
internal sealed class NameIndex(NameList names)
{
    private int[] slots = new int[16]; // number + 1; 0: free
    private int held;

    /// <summary>The number under which a name stands, or -1.</summary>
    public int Find(ReadOnlySpan<byte> name) => slots[SlotOf(name)] - 1;

    /// <summary>Enters name <paramref name="number"/> of the list, unless an equal one is entered: then that one's number is returned, else -1.</summary>
    public int TryAdd(int number)
    {
        if (held >= slots.Length / 2)
        {
            Grow();
        }

        var slot = SlotOf(names[number]);
        if (slots[slot] == 0)
        {
            slots[slot] = number + 1;
            held++;
            return -1;
        }

        return slots[slot] - 1;
    }

    private void Grow()
    {
        var old = slots;
        slots = new int[checked(old.Length * 2)];
        foreach (var entry in old)
        {
            if (entry != 0)
            {
                slots[SlotOf(names[entry - 1])] = entry;
            }
        }
    }

    private int SlotOf(ReadOnlySpan<byte> name)
    {
        // Keyed anew in each process, so that no file can be made to collide.
        var hash = new HashCode();
        hash.AddBytes(name);
        for (var slot = hash.ToHashCode() & (slots.Length - 1); ; slot = (slot + 1) & (slots.Length - 1))
        {
            if (slots[slot] == 0 || names[slots[slot] - 1].SequenceEqual(name))
            {
                return slot;
            }
        }
    }
}
