package demo;

import java.util.*;
import org.apache.dubbo.config.*;
import org.apache.dubbo.rpc.RpcContext;

/** The argument is a port. */
public class Provider {
  public static void main(String[] a) throws Exception {
    ApplicationConfig app = new ApplicationConfig("demo"); app.setQosEnable(false); 
    RegistryConfig reg = new RegistryConfig("N/A");
    ProtocolConfig p = new ProtocolConfig("dubbo", Integer.parseInt(a[0])); p.setHost("127.0.0.1");
    ServiceConfig<Greeter> s = new ServiceConfig<>();
    s.setApplication(app); s.setRegistry(reg); s.setProtocol(p); s.setInterface(Greeter.class); s.setRef(new GreeterImpl());
    s.export();
    GreeterImpl blue = new GreeterImpl() { public String hello(String n) { return "Blue hello " + n; } };
    ServiceConfig<Greeter> b = new ServiceConfig<>();
    b.setApplication(app); b.setRegistry(reg); b.setProtocol(p); b.setInterface(Greeter.class); b.setGroup("blue"); b.setVersion("2.0"); b.setRef(blue);
    b.export();
    System.out.println("ready");
    Thread.sleep(Long.MAX_VALUE);
  }
}

class GreeterImpl implements Greeter {
  public String hello(String name) { return "Hello " + name; }
  public int add(int a, int b) { return a + b; }
  public long twice(long n) { return n * 2; }
  public double half(double n) { return n / 2; }
  public Person older(Person p, int years) { p.setAge(p.getAge() + years); return p; }
  public List<Person> all(List<String> names) { List<Person> l = new ArrayList<>(); for (String n : names) { Person p = new Person(); p.setName(n); p.setAge(n.length()); l.add(p); } return l; }
  public Map<String, Object> table() { Map<String, Object> m = new LinkedHashMap<>(); m.put("one", 1); m.put("big", Long.MAX_VALUE); m.put("list", Arrays.asList("a", true, null, 1.5)); return m; }
  public byte[] reversed(byte[] b) { byte[] r = new byte[b.length]; for (int i = 0; i < b.length; i++) r[i] = b[b.length - 1 - i]; return r; }
  public Date tomorrow(Date d) { return new Date(d.getTime() + 86400000L); }
  public java.math.BigDecimal price(java.math.BigDecimal p) { return p.add(java.math.BigDecimal.ONE); }
  public Color next(Color c) { return c == Color.RED ? Color.GREEN : Color.RED; }
  public String nothing() { return null; }
  public String over(String s) { return "text " + s; }
  public String over(int n) { return "number " + n; }
  public String fail(String m) { throw new IllegalStateException(m); }
  public Map<String, String> attachments() { RpcContext.getServerContext().setAttachment("answer", "42"); Map<String, String> m = new TreeMap<>(); RpcContext.getContext().getAttachments().forEach((k, v) -> m.put(k, String.valueOf(v))); return m; }
  public String slow(int ms) throws InterruptedException { Thread.sleep(ms); return "slept"; }
  public java.math.BigInteger power(int n) { return java.math.BigInteger.ONE.shiftLeft(n).negate(); }
  public String big(int n) { StringBuilder b = new StringBuilder(); while (b.length() < n) b.append("日本🚀"); return b.toString(); }
}
