package demo;
public class Person implements java.io.Serializable {
  private String name; private int age; private Person friend;
  public String getName() { return name; } public void setName(String n) { name = n; }
  public int getAge() { return age; } public void setAge(int a) { age = a; }
  public Person getFriend() { return friend; } public void setFriend(Person f) { friend = f; }
}
