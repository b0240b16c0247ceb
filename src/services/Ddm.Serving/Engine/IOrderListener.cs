namespace Ddm.Serving;

/// <summary>Told how an order goes, on the device thread: what it does must be short and must not throw.</summary>
internal interface IOrderListener
{
    /// <summary>A step of all its pictures is done.</summary>
    void Stepped(int done, int steps);

    /// <summary>What a picture seems to become.</summary>
    /// <param name="picture">Which one, 0 the first.</param>
    /// <param name="preview">Which preview of it, 0 the first.</param>
    /// <param name="planes">[C, H, W] bytes.</param>
    void Previewed(int picture, int preview, byte[] planes);
}
