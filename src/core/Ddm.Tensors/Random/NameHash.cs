namespace Ddm.Tensors;

/// <summary>Names as numbers: a tensor's own row of a Philox stream, whatever the order that tensors are made in.</summary>
public static class NameHash
{
    /// <summary>The 32-bit FNV-1a hash of an ASCII name.</summary>
    public static uint Fnv1a(string name)
    {
        var hash = 2166136261u;
        foreach (var character in name)
        {
            hash = (hash ^ character) * 16777619u;
        }

        return hash;
    }
}
